// Certificate events of one declared vault. A vault has one system topic, in its own resource group.

param location string
param tags object
param vaultId string
@description('An existing topic of this vault. Empty: one is created.')
param existingTopic string = ''
@description('Whether dead letters are kept. An existing topic needs the events identity first.')
param deadLetters bool = true
param functionAppId string
param storageId string
param eventsIdentityId string

var creates = empty(existingTopic)
var topicName = creates ? 'evgst-apimend-${last(split(vaultId, '/'))}' : existingTopic

var deadLetter = {
  identity: { type: 'UserAssigned', userAssignedIdentity: eventsIdentityId }
  deadLetterDestination: {
    endpointType: 'StorageBlob'
    properties: { resourceId: storageId, blobContainerName: 'deadletters' }
  }
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (creates) {
  name: topicName
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${eventsIdentityId}': {} }
  }
  properties: {
    source: vaultId
    topicType: 'Microsoft.KeyVault.vaults'
  }
}

resource certificates 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  name: '${topicName}/apimend-certificates'
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: '${functionAppId}/functions/on_resource_change'
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
      }
    }
    eventDeliverySchema: 'EventGridSchema'
    filter: loadJsonContent('../filters/certificates.json')
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
    deadLetterWithResourceIdentity: deadLetters ? deadLetter : null
  }
  dependsOn: [topic]
}

// Events of one subscription: its system topic (Azure allows one) and what of it the app hears.

targetScope = 'subscription'

@description('Location of the resource group that a new topic lies in.')
param location string
param tags object
@description('An existing topic of this subscription: its name. Empty: one is created.')
param existingTopic string = ''
@description('The resource group of the existing topic.')
param existingTopicGroup string = ''
@description('Whether dead letters are kept. An existing topic needs the events identity first (docs/deploy.md).')
param deadLetters bool = true
@description('Ids of declared vaults in this subscription: writes to who may read them ring too.')
param vaultIds array = []
param functionAppId string
param storageId string
param eventsIdentityId string
param actionGroupId string = ''

var creates = empty(existingTopic)
var groupName = creates ? 'rg-apimend-events' : existingTopicGroup

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = if (creates) {
  name: 'rg-apimend-events'
  location: location
  tags: tags
}

module topic 'subscription-topic.bicep' = {
  name: 'apimend-topic'
  scope: resourceGroup(groupName)
  params: {
    tags: tags
    creates: creates
    topicName: creates ? 'evgst-apimend-subscription' : existingTopic
    deadLetters: deadLetters
    vaultIds: vaultIds
    functionAppId: functionAppId
    storageId: storageId
    eventsIdentityId: eventsIdentityId
    actionGroupId: actionGroupId
  }
  dependsOn: [group]
}

output topicId string = topic.outputs.topicId

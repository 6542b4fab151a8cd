// The system topic of a subscription, created or taken as it is, with our event subscriptions on it.
// infra/policy/subscribe.json makes the same in subscriptions that come later; a test compares the two.

param tags object
param creates bool
param topicName string
param deadLetters bool
param vaultIds array
param functionAppId string
param storageId string
param eventsIdentityId string
param actionGroupId string

var destination = {
  endpointType: 'AzureFunction'
  properties: {
    resourceId: '${functionAppId}/functions/on_resource_change'
    maxEventsPerBatch: 1
    preferredBatchSizeInKilobytes: 64
  }
}
var deadLetter = {
  identity: { type: 'UserAssigned', userAssignedIdentity: eventsIdentityId }
  deadLetterDestination: {
    endpointType: 'StorageBlob'
    properties: { resourceId: storageId, blobContainerName: 'deadletters' }
  }
}
var retryPolicy = { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (creates) {
  name: topicName
  location: 'global'
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${eventsIdentityId}': {} }
  }
  properties: {
    source: subscription().id
    topicType: 'Microsoft.Resources.Subscriptions'
  }
}

resource instances 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  name: '${topicName}/apimend-instances'
  properties: {
    destination: destination
    eventDeliverySchema: 'EventGridSchema'
    filter: loadJsonContent('../filters/instances.json')
    retryPolicy: retryPolicy
    deadLetterWithResourceIdentity: deadLetters ? deadLetter : null
  }
  dependsOn: [topic]
}

resource vaults 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = if (!empty(vaultIds)) {
  name: '${topicName}/apimend-vaults'
  properties: {
    destination: destination
    eventDeliverySchema: 'EventGridSchema'
    filter: union(loadJsonContent('../filters/vaults.json'), {
      advancedFilters: concat(loadJsonContent('../filters/vaults.json').advancedFilters, [
        { operatorType: 'StringBeginsWith', key: 'subject', values: vaultIds }
      ])
    })
    retryPolicy: retryPolicy
    deadLetterWithResourceIdentity: deadLetters ? deadLetter : null
  }
  dependsOn: [instances]
}

resource undelivered 'Microsoft.Insights/metricAlerts@2018-03-01' = if (creates && !empty(actionGroupId)) {
  name: 'apimend-events-undelivered'
  location: 'global'
  tags: tags
  properties: {
    description: 'Event Grid gave events up. Runbook: docs/operate.md, "Events were not delivered".'
    severity: 2
    enabled: true
    scopes: [topic.id]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'dead-lettered'
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          metricName: 'DeadLetteredCount'
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Total'
        }
      ]
    }
    actions: [{ actionGroupId: actionGroupId }]
  }
}

output topicId string = resourceId('Microsoft.EventGrid/systemTopics', topicName)
